"""Learning whatever an algorithm can learn, and comparing it with the one in force.

Champion and challenger are judged on the same leads, and neither has seen their outcomes: the
challenger foretells each lead from the others, and a champion that was learned itself is judged on
the leads that came after its training; where those are too few, its settings are learned once more
from the same leads and in the same way as the challenger's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from agents.training.ensemble import fit_rubric
from agents.training.fit import Fitted, TooFewOutcomes, fit_scorecard, prepare
from agents.training.trees import FittedTrees, TreeScorer, fit_trees
from policies.accuracy import FEWEST_POSITIVES
from policies.algorithm import (
    Definition,
    Ensemble,
    Learned,
    Settings,
    Template,
    Training,
    Trees,
    Weighted,
    scorecard_of,
)
from policies.binned import Floats
from policies.features import Columns
from policies.outcome import Outcomes
from policies.promotion import Comparison, compare

NEARLY_SURE = 1e-6


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to learn from, the oldest lead first.

    Attributes:
        rubric: logits of GPT-4's evidence, NaN for leads without.
        created_at: of each lead, aware UTC, ascending.
    """

    columns: Columns
    outcomes: Outcomes
    rubric: Floats
    created_at: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned, with its evidence.

    Attributes:
        report: as JSON, for people and for the accuracy panel.
        rows: positions of the leads with a known outcome.
        held_out: their probabilities by models that did not learn from them.
    """

    definition: Definition
    report: dict[str, Any]
    rows: NDArray[np.intp]
    outcomes: NDArray[np.bool_]
    held_out: Floats


def learn(definition: Definition, material: Material) -> Lesson:
    """Fit what can be fitted in ``definition``.

    Raises:
        TooFewOutcomes: if there is nothing to learn from.
        ValueError: if nothing in the definition is learned.
    """
    match definition:
        case Learned(settings=settings):
            return _scorecard(_fit(material, settings), material)
        case Trees(settings=settings):
            return _trees(_fit_trees(material, settings, _fit(material, settings)))
        case Ensemble(base=base):
            return _ensemble(base, material)
        case Template() | Weighted():
            raise ValueError(
                f"a {definition.kind} algorithm has nothing to learn: it scores as it is"
            )


def versus(lesson: Lesson, champion: Definition, material: Material) -> Comparison:
    """Compare a lesson with the algorithm in force, on outcomes that neither has seen."""
    training = _training(champion)
    if training is None:
        return compare(lesson.outcomes, _present(champion, material, lesson.rows), lesson.held_out)
    newer = _newer(lesson, training, material)
    if _enough(lesson.outcomes[newer]):
        present = _present(champion, material, lesson.rows[newer])
        return compare(lesson.outcomes[newer], present, lesson.held_out[newer])
    again = learn(_unlearned(champion), material)
    _, ours, theirs = np.intersect1d(lesson.rows, again.rows, return_indices=True)
    return compare(lesson.outcomes[ours], again.held_out[theirs], lesson.held_out[ours])


def _present(champion: Definition, material: Material, rows: NDArray[np.intp]) -> Floats:
    return expit(_logits(champion, material)[rows])


def _newer(lesson: Lesson, training: Training, material: Material) -> NDArray[np.intp]:
    """Places in the lesson of leads that came after a training."""
    until = training.until
    if until is None:
        return np.array([], np.intp)
    return np.flatnonzero([material.created_at[row] > until for row in lesson.rows])


def _enough(outcomes: NDArray[np.bool_]) -> bool:
    return min(int(outcomes.sum()), int((~outcomes).sum())) >= FEWEST_POSITIVES


def _unlearned(definition: Definition) -> Definition:
    """The same settings without what was learned."""
    match definition:
        case Ensemble(base=Learned(settings=settings)):
            return Ensemble(base=Learned(settings=settings))
        case Trees(settings=settings):
            return Trees(settings=settings)
        case Learned(settings=settings):
            return Learned(settings=settings)
        case _:
            return definition


def _training(definition: Definition) -> Training | None:
    base = definition.base if isinstance(definition, Ensemble) else definition
    return base.training if isinstance(base, Learned | Trees) else None


def dated(lesson: Lesson, material: Material) -> Definition:
    """What was learned, with the dates of the leads it was learned from."""
    definition = lesson.definition
    training = _training(definition)
    if training is None:
        return definition
    since, until = (material.created_at[row] for row in (lesson.rows[0], lesson.rows[-1]))
    known = training.model_copy(update={"since": since, "until": until})
    if isinstance(definition, Ensemble):
        base = definition.base.model_copy(update={"training": known})
        return definition.model_copy(update={"base": base})
    return definition.model_copy(update={"training": known})


def _fit(material: Material, settings: Settings) -> Fitted:
    return fit_scorecard(material.columns, material.outcomes, settings)


def _fit_trees(material: Material, settings: Settings, fitted: Fitted) -> FittedTrees:
    card = scorecard_of(fitted.definition)
    return fit_trees(material.columns, material.outcomes, settings, scorecard=card)


def _lesson(fitted: Fitted | FittedTrees) -> Lesson:
    return Lesson(
        fitted.definition,
        fitted.report.document(),
        fitted.rows,
        fitted.outcomes,
        fitted.held_out,
    )


def _scorecard(fitted: Fitted, material: Material) -> Lesson:
    """A learned scorecard, with what trees would reach beside it."""
    lesson = _lesson(fitted)
    try:
        rival = _fit_trees(material, fitted.definition.settings, fitted)
    except TooFewOutcomes as reason:
        lesson.report["trees"] = {"problem": str(reason)}
    else:
        beside = compare(fitted.outcomes, fitted.held_out, rival.held_out)
        shown = rival.report.document()
        lesson.report["trees"] = {
            "cross_validated": shown["cross_validated"],
            "newest": shown["newest"],
            "difference": beside.difference,
            "standard_error": beside.standard_error,
        }
    return lesson


def _trees(fitted: FittedTrees) -> Lesson:
    return _lesson(fitted)


def _untrained(base: Template | Weighted, material: Material) -> Lesson:
    """A scorecard that learns nothing; leaks are found all the same."""
    prepared = prepare(material.columns, material.outcomes, Settings())
    rows = prepared.rows
    held_out = expit(_logits(base, material)[rows])
    return Lesson(base, {}, rows, prepared.task.sample.outcomes, held_out)


def _ensemble(base: Weighted | Template | Learned, material: Material) -> Lesson:
    if isinstance(base, Learned):
        fitted = _fit(material, base.settings)
        base, alone = fitted.definition, _lesson(fitted)
    else:
        alone = _untrained(base, material)
    logits = logit(np.clip(alone.held_out, NEARLY_SURE, 1 - NEARLY_SURE))
    judged = material.rubric[alone.rows]
    rubric = fit_rubric(logits, judged, alone.outcomes)
    whole = Ensemble(base=base, rubric=rubric)
    report = alone.report | {
        "rubric": rubric.model_dump(mode="json"),
        "judged": int((~np.isnan(judged)).sum()),
    }
    held_out = expit(whole.logits(logits, judged))
    return Lesson(whole, report, alone.rows, alone.outcomes, held_out)


def _logits(definition: Definition, material: Material) -> Floats:
    match definition:
        case Trees(model=model) if model is not None:
            return TreeScorer(model).logits(material.columns)
        case Ensemble(base=base):
            return definition.logits(_logits(base, material), material.rubric)
        case _:
            card = scorecard_of(definition)
            return card.logits(card.code(material.columns))
