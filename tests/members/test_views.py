"""Pages of joining, of the directory and of an organisation's people, as a browser meets them."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import Role
from fund.kernel.db import db
from members.models import Organisation
from members.rules import MembershipStatus, Sector
from tests.visitor import Page, Visitor
from tests.world import appoint, found_society, member, officer, official, person

ALDER = {
    "name": "Alder Works Ltd",
    "legal_form": "company",
    "register": "GB-COH",
    "register_number": "1234567",
    "district": "E08000001",
    "address": "1 Mill Lane\nBolton",
    "contact_name": "Ada Alder",
    "contact_email": "ada@alder.example",
    "agrees": True,
}


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


@pytest.fixture
def steward(app: Flask) -> Visitor:
    return Visitor(app).sign_in(official("Stella Steward", Role.STEWARD)[0])


def join(visitor: Visitor, **more: object) -> Page:
    """Fill in, check, send; where something is wrong, the page that says so."""
    page = visitor.get("/join").send("Check your answers", **(ALDER | more))
    return page.send("Send application") if page.heading == "Check your answers" else page


class TestJoin:
    def test_one_page_then_thanks_with_the_reference(self, visitor: Visitor) -> None:
        page = join(visitor, tests=["mission", "surplus"])
        assert page.path == "/join/thanks"
        assert "GM-0001" in page.text
        assert "Private" in page.text
        found = db.session.scalars(select(Organisation)).one()
        assert found.claims == ["mission", "surplus"]
        assert found.register_number == "01234567"

    def test_thanks_are_for_who_applied(self, visitor: Visitor, app: Flask) -> None:
        join(visitor)
        assert Visitor(app).get("/join/thanks").path == "/join"

    def test_every_fault_at_once_and_nothing_typed_is_lost(self, visitor: Visitor) -> None:
        page = visitor.get("/join").send(
            "Check your answers", name="Only a name", address="Somewhere", register="GB-COH", register_number="12x"
        )
        assert page.status == 422
        assert len(page.errors()) == 5
        body = page.response.get_data(as_text=True)
        assert 'value="Only a name"' in body
        assert "Somewhere</textarea>" in body
        again = page.send("Check your answers", **ALDER)
        assert again.send("Send application").path == "/join/thanks"

    def test_the_sector_and_its_reason_are_shown_before_anything_is_sent(self, visitor: Visitor) -> None:
        page = visitor.get("/join").send("Check your answers", **ALDER, tests=["mission", "lock"])
        assert "We would count you in the Private sector" in page.text
        assert "hasn't shown all four social tests" in page.text
        assert "1 Mill Lane Bolton" in page.text
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0
        changed = page.send("Change my answers")
        assert 'value="Alder Works Ltd"' in changed.response.get_data(as_text=True)
        page = changed.send("Check your answers", tests=["mission", "surplus", "lock", "independent"])
        assert "VCSE sector" in page.text
        assert page.send("Send application").path == "/join/thanks"
        found = db.session.scalars(select(Organisation)).one()
        assert (found.address, found.proposed_sector) == ("1 Mill Lane\nBolton", Sector.VCSE)

    def test_a_number_belongs_to_the_usual_register_unless_another_is_named(self, visitor: Visitor) -> None:
        join(visitor, register="", register_number="01234567")
        join(Visitor(visitor.app), name="B", legal_form="charity", register="", register_number="")
        join(Visitor(visitor.app), name="C", legal_form="charity", register="GB-COH", register_number="7654321")
        found = db.session.scalars(select(Organisation).order_by(Organisation.id)).all()
        assert [one.org_id for one in found] == ["GB-COH-01234567", None, "GB-COH-07654321"]
        wrong = join(Visitor(visitor.app), legal_form="charity", register="", register_number="01234567")
        assert "Charity Commission: 6 or 7 digits" in wrong.errors()[0]
        group = join(Visitor(visitor.app), legal_form="unincorporated_group", register="", register_number="12")
        assert group.errors() == ["Choose the register that this number is from, or leave the number empty."]

    def test_a_member_is_pointed_out_kindly_and_an_applicant_is_not_told_of(self, visitor: Visitor) -> None:
        member("Alder Works", Sector.PRIVATE)
        page = visitor.get("/join").send("Check your answers", **ALDER)
        assert "You may be a member already" in page.text
        page.send("Send application")
        text = Visitor(visitor.app).get("/join").send("Check your answers", **ALDER).text
        assert "GM-0001" not in text

    @pytest.mark.parametrize(
        "wrong",
        [
            {"register_number": "abc"},
            {"register": "none"},
            {"contact_email": "ada"},
            {"legal_form": "political_party"},
            {"legal_form": "nonsense"},
            {"register": "GB-XYZ"},
            {"district": "E09000001"},
            {"name": "x" * 201},
            {"control": ["nonsense"]},
            {"agrees": False},
        ],
        ids=str,
    )
    def test_bad_input_is_told_beside_its_field(self, visitor: Visitor, wrong: dict[str, object]) -> None:
        page = join(visitor, **wrong)
        assert page.status == 422
        assert len(page.errors()) == 1
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0

    def test_sent_twice_it_is_one_application(self, visitor: Visitor) -> None:
        form = visitor.get("/join").send("Check your answers", **ALDER)
        assert form.send("Send application").path == "/join/thanks"
        assert form.send("Send application").path == "/join/thanks"
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 1


class TestDirectory:
    def test_empty_then_by_sector_in_order(self, visitor: Visitor) -> None:
        assert "no members yet" in visitor.get("/members").text
        for name, sector in (("Vine", Sector.VCSE), ("Poplar", Sector.PUBLIC), ("Ivy", Sector.PRIVATE)):
            member(name, sector)
        text = visitor.get("/members").text
        assert text.index("Ivy") < text.index("Poplar") < text.index("Vine")

    def test_filters_stand_in_the_address(self, visitor: Visitor) -> None:
        member("Ivy", Sector.PRIVATE, district="E08000001")
        member("Vine", Sector.VCSE, district="E08000002")
        page = visitor.get("/members").send("Show", sector="vcse")
        assert "Vine" in page.text
        assert "Ivy" not in page.text
        assert "sector=vcse" in page.response.request.query_string.decode()
        for query, shown in (
            ({"district": "E08000001"}, "Ivy"),
            ({"q": "VIN"}, "Vine"),
            ({"sector": "private", "q": "vine"}, "No member fits"),
        ):
            assert shown in visitor.get("/members", query_string=query).text

    @pytest.mark.parametrize(
        "query", ["sector=none", "district=x", "page=0", "page=-5", "page=x", f"page={10**30}", "q=%25%00", "q=%27;--"]
    )
    def test_odd_addresses_do_no_harm(self, visitor: Visitor, query: str) -> None:
        member("Ivy", Sector.PRIVATE)
        assert visitor.get(f"/members?{query}").heading == "Members"

    def test_pages(self, visitor: Visitor) -> None:
        for number in range(52):
            member(f"Member {number:03d}", Sector.VCSE)
        first = visitor.get("/members")
        assert "Member 049" in first.text
        assert "Member 050" not in first.text
        second = first.follow("Next page")
        assert "Member 051" in second.text
        assert "Member 049" in second.follow("First page").text


class TestOrganisation:
    def test_what_each_reader_sees(self, visitor: Visitor, steward: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        somebody, _ = officer(own)
        path = f"/members/{own.reference}"
        public = visitor.get(path)
        assert "£0 paid into the pot" in public.text
        assert "since 1 April 2025" in public.text
        assert "For your own people" not in public.text
        assert "For stewards" not in public.text
        assert "For your own people" in Visitor(visitor.app).sign_in(somebody).get(path).text
        assert "For stewards" in steward.get(path).text
        assert visitor.get("/members/GM-0000", status=404).status == 404

    def test_a_former_member_stays_on_record(self, visitor: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        own.status = MembershipStatus.LEFT
        reference = own.reference
        db.session.commit()
        assert "Left" in visitor.get(f"/members/{reference}").text
        assert "Alder" not in visitor.get("/members").text

    def test_connecting_and_parting(self, visitor: Visitor, steward: Visitor) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Alder Foundation", Sector.VCSE)
        path, other_reference = f"/members/{own.reference}/connected", other.reference
        assert len(steward.get(path).send("Put both in one group").errors()) == 2
        assert "They have the same postal address." in steward.get(path).text
        chosen = steward.get(path).follow(f"Choose {other_reference} below")
        assert f'value="{other_reference}"' in chosen.response.get_data(as_text=True)
        for wrong in ("GM-0000", own.reference):
            page = steward.get(path).send("Put both in one group", other=wrong, reason="One owner")
            assert page.status == 422
            assert len(page.errors()) == 1
        page = steward.get(path).send("Put both in one group", other=other_reference.lower(), reason="One owner")
        assert "Alder Foundation" in page.text
        assert "one vote between them" in visitor.get(f"/members/{own.reference}").text
        again = steward.get(path).send("Put both in one group", other=other_reference, reason="One owner")
        assert again.status == 409
        assert steward.get(path).send("Take it out of the group").errors() == ["Say what has changed. It is kept."]
        done = steward.get(path).send("Take it out of the group", **{"leave-reason": "Sold"})
        assert ["Sold" in steward.get(path).text, "One owner" in steward.get(path).text] == [True, True]
        assert "in no group any more" in done.text

    def test_changing_the_sector(self, visitor: Visitor, steward: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        path = f"/members/{own.reference}/sector"
        assert len(steward.get(path).send("Change the sector").errors()) == 3
        same = steward.get(path).send("Change the sector", sector="private", basis="x", evidence="y")
        assert same.errors() == ["Alder is in this sector already."]
        page = steward.get(path).send("Change the sector", sector="public", basis="Bought by a council", evidence="y")
        assert "Bought by a council" in page.text


class TestPeople:
    def test_inviting_withdrawing_and_ending(self, visitor: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        ann, _ = officer(own, name="Ann")
        appoint(person("Ed"), own, Role.EDITOR)
        visitor.sign_in(ann)
        people = visitor.get(f"/members/{own.reference}/people")
        assert "Nobody votes for you yet" in people.text
        page = people.follow("Invite somebody")
        faults = page.send("Send invitation")
        assert faults.errors() == ["Give the person's name.", "Give the person's e-mail address.", "Choose a role."]
        said = {"name": "Rob", "email": "rob@alder.example", "role": "representative"}
        sent = page.send("Send invitation", **said)
        assert "Rob has been sent an invitation" in sent.text
        assert page.send("Send invitation", **said).text == sent.text, "the same form again has one effect"
        refused = sent.follow("Invite somebody").send("Send invitation", **(said | {"email": "sue@alder.example"}))
        assert refused.errors() == [
            "Rob has been invited as representative, and there is only one. Withdraw the invitation first."
        ]
        after = sent.send("Withdraw: Rob, representative")
        assert "withdrawn" in after.text
        assert "Ed's role is ended." in after.send("End: Ed, editor").text
        stale = after.send("End: Ed, editor")
        assert stale.status == 200, "the same form again gives the first answer"
        assert sent.send("Withdraw: Rob, representative").status == 200
        last = visitor.get(f"/members/{own.reference}/people").send("End: Ann, certifier")
        assert last.status == 422
        assert "only certifier" in last.text

    def test_two_pages_open_the_second_is_told(self, visitor: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        ann, _ = officer(own, name="Ann")
        appoint(person("Ed"), own, Role.EDITOR)
        visitor.sign_in(ann)
        path = f"/members/{own.reference}/people"
        one, other = visitor.get(path), visitor.get(path)
        one.send("End: Ed, editor")
        assert other.send("End: Ed, editor").status == 409

    def test_others_of_the_organisation_may_look_but_not_change(self, visitor: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        ed, _ = officer(own, Role.EDITOR, name="Ed")
        visitor.sign_in(ed)
        page = visitor.get(f"/members/{own.reference}/people")
        assert "Only a certifier can change this list" in page.text
        assert visitor.get(f"/members/{own.reference}/people/invite", status=403).status == 403
