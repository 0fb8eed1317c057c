"""A file's header and first rows in, a plan out."""

import pytest

from policies.csv_layout import CsvUnreadable
from policies.import_plan import ImportOptions, ImportPlan, PlanError, plan_file
from policies.import_preview import preview


def plan(text: str, **options: object) -> ImportPlan:
    asked = ImportOptions(**{"filename": "f.csv", **options})  # type: ignore[arg-type]
    return plan_file(text.encode(), whole=True, options=asked)


@pytest.mark.parametrize(
    ("header", "mapped"),
    [
        ("E-Mail,Vorname,Nachname,Firma", ["email", "first_name", "last_name", "company"]),
        ("Adresse e-mail,Prénom,Nom de famille,Société,Pays", None),
        ("Correo electrónico,Nombre,Apellidos,Empresa,País,Cargo", None),
        ("leadId,firstName,workEmail,JobTitle", ["external_id", "first_name", "email", "title"]),
    ],
)
def test_columns_are_found_by_name_in_four_languages(header: str, mapped: list[str] | None) -> None:
    found = plan(header + "\n")
    assert list(found.mapping) == header.split(",")
    if mapped:
        assert list(found.mapping.values()) == mapped


def test_values_decide_whether_a_name_is_right() -> None:
    found = plan("email,title,id,name\nopened,Mr,7,Ann\nclicked,Ms,7,Bob\n", key="row")
    assert found.mapping == {"name": "full_name"}
    assert len(found.remarks) == 3
    assert found.attributes == ("title", "id")
    assert found.personal == ("email",)


def test_what_is_personal_by_name_or_by_its_values_is_sealed() -> None:
    found = plan(
        "email,Mobile 2,Date of birth,Do Not Email,Assistant,Plan,Lead owner,Last Activity\n"
        "a@x.org,0301,1980-01-01,no,bob@x.org,Pro,Eve,Email Opened\n"
    )
    assert found.personal == ("Date of birth", "Assistant", "Lead owner")
    assert found.attributes == ("Mobile 2", "Do Not Email", "Plan", "Last Activity")


def test_what_a_person_says_wins() -> None:
    found = plan(
        "a,B ,Email,x\n1,c@d.org,e@f.org,y\n",
        mapping={"b": "email", "Email": "attribute", "a": "ID"},
        ignore=["x"],
    )
    assert found.mapping == {"B": "email", "a": "external_id"}
    assert (found.ignored, found.attributes) == (("x",), ("Email",))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mapping": {"Mail": "email"}}, "no column 'Mail'; it has 'Email', 'n'"),
        ({"mapping": {"n": "shoe size"}}, "no field 'shoe size'; there are first_name,"),
        ({"mapping": {"n": "email", "Email": "email"}}, "cannot all be email"),
        ({"outcome": "won"}, "outcome: the file has no column 'won'"),
        ({"country": "Atlantis"}, "is no country"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    options: dict[str, object], told: str
) -> None:
    with pytest.raises(PlanError, match=told):
        plan("Email,n\na@x.org,1\n", **options)


def test_a_file_in_which_nothing_tells_leads_apart_says_how_to_import_it() -> None:
    with pytest.raises(PlanError, match="--key row numbers the rows"):
        plan("age;y\n58;no\n")
    assert plan("age;y\n58;no\n", key="row").key == "row"


def test_data_in_the_place_of_the_header_are_pointed_out() -> None:
    with pytest.raises(PlanError, match="add a line"):
        plan("ann@x.org,Ann\nbob@x.org,Bob\n")


def test_an_outcome_that_is_neither_yes_nor_no_is_pointed_out() -> None:
    found = plan("email,y\na@x.org,maybe\nb@x.org,won\n", outcome="y")
    assert "holds 'maybe'" in found.remarks[0]


def test_a_plan_survives_being_kept_as_json() -> None:
    found = plan("email;Größe\na@x.org;1\n", outcome="Größe", country="Germany")
    assert ImportPlan.model_validate(found.model_dump(mode="json")) == found
    assert found.country == "DE"


def test_what_is_no_csv_is_refused() -> None:
    with pytest.raises(CsvUnreadable):
        plan("<html>")


def test_a_preview_shows_leads_and_problems_but_keeps_nothing() -> None:
    text = b"email,company,x\na@x.org,Acme,1\nnobody,,\n"
    shown = preview(text, plan(text.decode(), mapping={"email": "email"}), whole=True).as_json()
    assert shown["mapping"] == {"email": "email", "company": "company"}
    assert [lead["person"]["email"] for lead in shown["leads"]] == ["a@x.org"]
    assert [(p["line"], p["severity"]) for p in shown["problems"]] == [(3, "warning"), (3, "error")]
    assert shown["rows"] == 2
