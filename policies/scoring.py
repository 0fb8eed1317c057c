"""The score of a lead: what every judge says, blended, with how sure it is and why.

A scorecard speaks always; the rubric of GPT-4 where the algorithm wants it and an answer is there.
What is missing or disputed widens the interval and lowers the confidence: an unknown part of the
rubric counts as a normal draw of the size that rubric answers have, and so does half the distance
between judges that pull in opposite directions.

Sources:
    The spread of rubric answers is our judgement, until an ensemble is fitted on outcomes.
    An answer may lift a lead by 30 points at most: a lead that talks to the model gains little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from policies.algorithm import Definition, Ensemble, Rubric, scorecard_of
from policies.confidence import Assessment, Tier, assess_many
from policies.features import LeadFeatures, columns_of
from policies.rubric import Judgement, Tag
from policies.scorecard import NOT_FETCHED, Codes, Contribution, Floats, Scorecard

RUBRIC_SPREAD = 1.2
"""Standard deviation of rubric logits over leads."""
MOST_GAIN = 0.30
LOW_CONFIDENCE = 0.5
MANY_UNFETCHED = 0.5
SHOWN_PARTS = 8
SPOKEN_PARTS = 3
LEAST_SPOKEN = 0.05


@dataclass(frozen=True, slots=True)
class Evidence:
    """What GPT-4 says about one lead.

    Attributes:
        judgement: its checked answer; None without one.
        absent: why there is none, in words; None where the algorithm does not ask.
    """

    judgement: Judgement | None = None
    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What is known of a lead's chance, and why.

    Attributes:
        score: 0 to 100, the calibrated chance to convert.
        confidence: 0 to 1, the chance that the tier holds once everything is known.
        low, high: scores between which four draws in five lie.
        judges: who spoke: ``scorecard``, ``rubric``.
        parts: what moved the score, in logits, the weightiest first.
        codes: the lead's state in each feature, enough to score it again.
    """

    score: int
    probability: float
    confidence: float
    low: int
    high: int
    tier: Tier
    judges: tuple[str, ...]
    reasoning: str
    tags: tuple[str, ...]
    follow_ups: tuple[str, ...]
    parts: tuple[Contribution, ...]
    codes: tuple[int, ...]


class Algorithm:
    """A definition made ready to score with.

    Attributes:
        asks_rubric: whether GPT-4 is wanted beside the scorecard.

    Raises:
        NotFitted: if the definition has to be learned first.
    """

    def __init__(self, definition: Definition) -> None:
        self.card: Scorecard = scorecard_of(definition)
        self.rubric: Rubric | None = definition.rubric if isinstance(definition, Ensemble) else None

    @property
    def asks_rubric(self) -> bool:
        """Whether GPT-4 is wanted beside the scorecard."""
        return self.rubric is not None and self.rubric.weight > 0

    def code(self, leads: Sequence[LeadFeatures]) -> Codes:
        """The leads' states in the features of the scorecard."""
        columns = columns_of(leads)
        codes = self.card.code(columns)
        return codes if len(codes) == len(leads) else _nothing_known(len(leads), self.card)

    def score(
        self,
        leads: Sequence[LeadFeatures],
        evidence: Sequence[Evidence],
        *,
        base_logits: Floats | None = None,
    ) -> list[Score]:
        """Score leads, each with its evidence.

        Args:
            leads: their features.
            evidence: one entry a lead.
            base_logits: of a model other than the scorecard (trees); the scorecard then explains.
        """
        codes = self.code(leads)
        base = self.card.logits(codes)
        moved = np.zeros(len(codes)) if base_logits is None else base_logits - base
        added, capped = self._rubric_logits(base + moved, evidence)
        spread = self._spread(base + moved, added, evidence)
        known = assess_many(self.card, codes, shift=moved + added, spread=spread)
        return [
            self._one(row, known, codes[row], evidence[row], float(added[row]), bool(capped[row]))
            for row in range(len(codes))
        ]

    def _rubric_logits(
        self, base: Floats, evidence: Sequence[Evidence]
    ) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """What the rubric adds, and where that was cut to `MOST_GAIN`."""
        rubric = self.rubric
        if rubric is None:
            return np.zeros(len(base)), np.zeros(len(base), np.bool_)
        added = np.array(
            [
                rubric.weight * found.judgement.logit + rubric.intercept if found.judgement else 0.0
                for found in evidence
            ]
        )
        ceiling = logit(np.minimum(expit(base) + MOST_GAIN, 1 - 1e-6)) - base
        capped = added > ceiling
        return np.where(capped, ceiling, added), capped

    def _spread(self, base: Floats, added: Floats, evidence: Sequence[Evidence]) -> Floats:
        rubric = self.rubric
        if rubric is None:
            return np.zeros(len(base))
        unknown = np.array([_unknown(found) for found in evidence])
        middle = base - _of_no_feature(self.card)
        opposed = np.where(middle * added < 0, np.minimum(abs(middle), abs(added)), 0.0)
        return np.hypot(rubric.weight * RUBRIC_SPREAD * unknown, opposed / 2)

    def _one(
        self,
        row: int,
        known: Assessment,
        codes: np.ndarray[tuple[int], np.dtype[np.uint8]],
        found: Evidence,
        added: float,
        capped: bool,  # noqa: FBT001 - private
    ) -> Score:
        probability = float(known.probability[row])
        states = tuple(int(code) for code in codes)
        parts = self.card.contributions(states)
        if found.judgement is not None:
            parts = _with_rubric(parts, found.judgement, added)
        shown = tuple(part for part in parts if part.points)[:SHOWN_PARTS]
        confidence = float(known.confidence[row])
        tier = known.tier_of(row)
        unfetched = float(np.mean(codes == NOT_FETCHED))
        return Score(
            score=_points(probability),
            probability=probability,
            confidence=confidence,
            low=_points(float(known.low[row])),
            high=_points(float(known.high[row])),
            tier=tier,
            judges=("scorecard", "rubric") if found.judgement else ("scorecard",),
            reasoning=_reasoning(_points(probability), tier, shown, found, capped=capped),
            tags=_tags(found, confidence, unfetched, capped=capped),
            follow_ups=_follow_ups(tier, found, self._not_fetched(states)),
            parts=shown,
            codes=states,
        )

    def _not_fetched(self, codes: Sequence[int]) -> list[str]:
        own = set(self.card.columns)
        states = zip(self.card.names, codes, strict=True)
        return [name for name, code in states if code == NOT_FETCHED and name in own]


def score_one(
    definition: Definition, lead: LeadFeatures, evidence: Evidence | None = None
) -> Score:
    """Score a single lead; for trying an algorithm out.

    Raises:
        NotFitted: if the algorithm has to be learned first.
    """
    return Algorithm(definition).score([lead], [evidence or Evidence()])[0]


def _of_no_feature(card: Scorecard) -> float:
    return card.calibration.slope * card.intercept + card.calibration.intercept


def _nothing_known(rows: int, card: Scorecard) -> Codes:
    return np.zeros((rows, len(card.features)), np.uint8, order="F")


def _unknown(found: Evidence) -> float:
    if found.judgement is not None:
        return found.judgement.unknown
    return 1.0 if found.absent else 0.0


def _points(probability: float) -> int:
    return round(100 * probability)


def _with_rubric(
    parts: Sequence[Contribution], judgement: Judgement, added: float
) -> tuple[Contribution, ...]:
    levels = ", ".join(
        f"{name} {level}/4" for name, level in judgement.levels.items() if level is not None
    )
    rubric = Contribution("GPT-4 rubric", levels or "nothing it could support", added)
    return tuple(sorted((*parts, rubric), key=lambda part: -abs(part.points)))


def _reasoning(
    score: int, tier: Tier, parts: Sequence[Contribution], found: Evidence, *, capped: bool
) -> str:
    spoken = [part for part in parts if abs(part.points) >= LEAST_SPOKEN]
    sentences = [f"{score} of 100 ({tier})."]
    sentences += _sentence("Speaks for it", [part for part in spoken if part.points > 0])
    sentences += _sentence("Speaks against it", [part for part in spoken if part.points < 0])
    if found.judgement is not None and found.judgement.reasoning:
        sentences.append(f"GPT-4: {found.judgement.reasoning}")
    if found.judgement is not None and found.judgement.disqualifiers:
        sentences.append(f"Rules it out: {'; '.join(found.judgement.disqualifiers)}.")
    if found.absent:
        sentences.append(f"Without GPT-4 ({found.absent}), so less sure.")
    if capped:
        sentences.append("GPT-4 praised it more than a single judge may; a person should look.")
    return " ".join(sentences)


def _sentence(opening: str, parts: Sequence[Contribution]) -> list[str]:
    if not parts:
        return []
    told = "; ".join(f"{part.name}: {part.state}" for part in parts[:SPOKEN_PARTS])
    return [f"{opening}: {told}."]


def _tags(found: Evidence, confidence: float, unfetched: float, *, capped: bool) -> tuple[str, ...]:
    tags = [str(tag) for tag in found.judgement.tags] if found.judgement else []
    if unfetched >= MANY_UNFETCHED:
        tags.append(Tag.INCOMPLETE_DATA)
    if capped or (found.judgement and found.judgement.disqualifiers):
        tags.append(Tag.NEEDS_REVIEW)
    if confidence < LOW_CONFIDENCE:
        tags.append(Tag.NEEDS_REVIEW)
    return tuple(str(tag) for tag in dict.fromkeys(tags))


_NEXT: Mapping[Tier, str] = {
    Tier.HOT: "Call within one working day.",
    Tier.WARM: "Write a personal message this week.",
    Tier.COOL: "Keep in a nurturing sequence and look again when something changes.",
    Tier.COLD: "Spend no time now; look again when new facts arrive.",
}


def _follow_ups(tier: Tier, found: Evidence, missing: Sequence[str]) -> tuple[str, ...]:
    if found.judgement is not None and found.judgement.follow_ups:
        return found.judgement.follow_ups
    advice = [_NEXT[tier]]
    if missing:
        advice.append(f"Find out: {', '.join(missing[:SPOKEN_PARTS])}.")
    return tuple(advice)
