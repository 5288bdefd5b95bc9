"""Pages of joining, of the directory and of an organisation's people, as a browser meets them."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import Role
from fund.kernel.db import db
from fund.kernel.outbox import OutboxMessage
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
    return visitor.get("/join").send("Send application", **(ALDER | more))


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
            "Send application", name="Only a name", address="Somewhere", register="GB-COH", register_number="12x"
        )
        assert page.status == 422
        assert len(page.errors()) == 6
        assert "Companies House: 8 characters" in page.text
        body = page.response.get_data(as_text=True)
        assert 'value="Only a name"' in body
        assert "Somewhere</textarea>" in body
        again = page.send("Send application", **ALDER)
        assert again.path == "/join/thanks"

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
        form = visitor.get("/join")
        assert form.send("Send application", **ALDER).path == "/join/thanks"
        assert form.send("Send application", **ALDER).path == "/join/thanks"
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 1


class TestApplications:
    def test_from_the_task_to_a_member(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        page = steward.get("/tasks").follow("Decide on Alder Works Ltd's application")
        assert "Public bodies don't control this company" in page.text
        done = page.send(
            "Admit as a member",
            **{"approve-sector": "vcse", "approve-evidence": "Its articles", "approve-reasons": "It fits"},
        )
        assert done.path == "/applications"
        assert "Alder Works Ltd is a member" in done.text
        public = visitor.get("/members/GM-0001")
        assert "VCSE" in public.text
        assert "ada@alder.example" not in public.text
        assert "Its articles" not in public.text

    def test_faults_keep_what_was_typed(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        page = steward.get("/applications/GM-0001").send("Admit as a member", **{"approve-reasons": "It fits well"})
        assert page.status == 422
        assert page.errors() == ["Say what you looked at, such as its entry on the register."]
        assert "It fits well</textarea>" in page.response.get_data(as_text=True)
        page = page.send("Refuse")
        assert page.errors() == ["Say why. The applicant reads your words."]

    def test_refusing_hides_it_from_everybody_else(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        page = steward.get("/applications/GM-0001").send("Refuse", **{"refuse-reasons": "It works elsewhere."})
        assert "was refused" in page.text
        assert visitor.get("/members/GM-0001", status=404).status == 404
        assert "It works elsewhere." in steward.get("/applications/GM-0001").text

    def test_a_stale_page_says_what_happened(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        one, other = steward.get("/applications/GM-0001"), steward.get("/applications/GM-0001")
        one.send("Refuse", **{"refuse-reasons": "No."})
        late = other.send("Admit as a member", **{"approve-evidence": "x", "approve-reasons": "y"})
        assert late.status == 409
        assert "decided on meanwhile: refused" in late.text

    def test_pressed_twice_it_is_one_decision(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        page = steward.get("/applications/GM-0001")
        said = {"approve-evidence": "Register", "approve-reasons": "Fits"}
        first, second = page.send("Admit as a member", **said), page.send("Admit as a member", **said)
        assert (first.status, second.status) == (200, 200)
        assert second.path == "/applications"
        invitations = select(func.count()).where(OutboxMessage.key.startswith("invitation:"))
        assert db.session.scalar(invitations) == 1

    def test_doubles_are_shown(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        join(Visitor(visitor.app), name="Another Name")
        join(Visitor(visitor.app), name="Alder Works Limited", register="none", register_number="")
        assert "Same register number: Alder Works Ltd (GM-0001" in steward.get("/applications/GM-0002").text
        assert "Very similar name: Alder Works Ltd (GM-0001" in steward.get("/applications/GM-0003").text

    def test_an_undecided_applicant_is_nobodys_business(self, visitor: Visitor, steward: Visitor) -> None:
        join(visitor)
        assert visitor.get("/members/GM-0001", status=404).status == 404
        assert "Alder" not in visitor.get("/members").text
        assert steward.get("/members/GM-0001").heading == "Alder Works Ltd"
        assert "Nobody waits" not in steward.get("/applications").text


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
        for wrong in ("", "GM-0000", own.reference):
            page = steward.get(path).send("Put both in one group", other=wrong)
            assert page.status == 422
            assert len(page.errors()) == 1
        page = steward.get(path).send("Put both in one group", other=other_reference.lower())
        assert "Alder Foundation" in page.text
        assert "one vote between them" in visitor.get(f"/members/{own.reference}").text
        assert steward.get(path).send("Put both in one group", other=other_reference).status == 409
        done = steward.get(path).send("Take Alder out of the group")
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
