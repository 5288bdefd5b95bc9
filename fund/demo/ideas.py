"""What is proposed in the demonstration fund. Invented, like the organisations that propose it."""

from dataclasses import dataclass

from proposals.evidence.words import LeverKind
from proposals.rules import ContributionKind, PartnerRole


@dataclass(frozen=True)
class Part:
    """A partner's part: role, what it gives (pounds, and how that was valued), its share of the grant (pounds)."""

    organisation: str
    role: PartnerRole
    gives: ContributionKind
    what: str
    worth: int
    basis: str
    share: int


@dataclass(frozen=True)
class Idea:
    """A proposal. `parts` begins with the lead; `lever_owner` is the partner who changes what the lever names."""

    title: str
    summary: str
    plan: str
    months: int
    situation: str
    evidence: str
    people: str
    places: tuple[str, ...]
    people_count: int
    heard: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    coproducers_pounds: int
    lever: LeverKind
    lever_today: str
    lever_after: str
    lever_owner: str
    stops: str
    buying: str
    after: str
    scores: tuple[int, int, int, int]

    @property
    def lead(self) -> str:
        return self.parts[0].organisation

    @property
    def asked_pounds(self) -> int:
        return sum(part.share for part in self.parts)


_LEAD, _DELIVER, _DECIDE = PartnerRole.LEAD, PartnerRole.DELIVER, PartnerRole.DECIDE_OR_COMMISSION
_HOST, _ADVISE = PartnerRole.HOST, PartnerRole.ADVISE
_TIME, _SPACE, _EXPERTISE = ContributionKind.STAFF_TIME, ContributionKind.SPACE, ContributionKind.EXPERTISE

KEYS_FIRST = Idea(
    title="Keys first: a home before a plan",
    summary="People leaving hostels in Salford and Manchester get a tenancy first and choose their own support. A "
    "group "
    "co-chaired by people who have slept rough decides how a shared repairs and deposits budget is spent.",
    plan="Second Chapter brings people with experience of homelessness together with Irwellside Council and Hollin "
    "Housebuilders. The council drops the rule that asks for six months in a hostel before a tenancy. The builder puts "
    "empty homes in order and teaches repairs to tenants who want a trade. A joint group decides every month.",
    months=24,
    situation="solutions_fail",
    evidence="Of 112 people who left hostels in 2024 with a support plan, 61 were back within a year. Those who "
    "chose a home "
    "first told us at open table meetings that the plan came before they had a door to close.",
    people="People who live in hostels or sleep rough, and those who left in the last two years",
    places=("E08000006", "E08000003"),
    people_count=340,
    heard=(
        (
            "A plan is no use without a door I can lock.",
            "The tenancy now comes first, and support is chosen after moving in.",
        ),
        ("We are asked the same questions by five people.", "One form, held by the person, replaces five."),
    ),
    parts=(
        Part(
            "Second Chapter",
            _LEAD,
            _TIME,
            "Half a post to hold the group together",
            16_000,
            "Salary and on-costs",
            38_000,
        ),
        Part("Irwellside Council", _DECIDE, _SPACE, "Twelve empty homes and a meeting room", 20_000, "Rent forgone", 0),
        Part(
            "Hollin Housebuilders",
            _DELIVER,
            _TIME,
            "Site managers teaching repairs",
            9_000,
            "Day rates, no profit",
            10_000,
        ),
    ),
    coproducers_pounds=8_000,
    lever=LeverKind.RULES,
    lever_today="Six months in a hostel are needed before somebody is offered a council tenancy.",
    lever_after="A tenancy is offered on the first day, and support is offered with it.",
    lever_owner="Irwellside Council",
    stops="The six-month rule, and the assessment that enforced it.",
    buying="The council buys support by the person and not by the bed from April 2027.",
    after="The council pays from its homelessness prevention budget from April 2027, and the group keeps its say "
    "over it.",
    scores=(4, 3, 4, 3),
)

GOOD_FOOD_LINE = Idea(
    title="Good food line: school kitchens that feed the street",
    summary="Three school kitchens in Rochdale cook for neighbours after lessons, with growers and a haulier. "
    "Parents who "
    "used food parcels set the menu and hold the budget.",
    plan="Roch Valley Food Network, Etherow College and Canalside Logistics use kitchens and vans that stand "
    "still after "
    "three o'clock. Parents run a members' table that sets prices, menus and hours.",
    months=18,
    situation="solutions_will_fail",
    evidence="Food parcels rose from 90 to 260 a week in two years. Donations did not. Parents told us that a "
    "parcel is "
    "eaten alone.",
    people="Families in Rochdale and Bury who have used food parcels",
    places=("E08000005", "E08000002"),
    people_count=900,
    heard=(
        (
            "I'd rather pay two pounds than queue for nothing.",
            "Meals have a price that members set, and a free share nobody sees.",
        ),
        ("My children eat at five, not at seven.", "Kitchens open at four."),
    ),
    parts=(
        Part("Roch Valley Food Network", _LEAD, _TIME, "Two organisers", 14_000, "Salary and on-costs", 24_000),
        Part("Etherow College", _HOST, _SPACE, "Kitchens from three to seven", 11_000, "Hourly hire rate", 0),
        Part("Canalside Logistics", _DELIVER, _EXPERTISE, "Vans, drivers and routes", 7_500, "Cost per mile", 6_000),
    ),
    coproducers_pounds=5_000,
    lever=LeverKind.MONEY_FLOWS,
    lever_today="Kitchens are locked at three and the money for holiday meals goes to parcels.",
    lever_after="Holiday and evening meal money pays for open kitchens.",
    lever_owner="Etherow College",
    stops="Two parcel rounds close in the first year as kitchens open.",
    buying="The college's catering contract lets members' kitchens use its space after lessons.",
    after="Meal income and the college's holiday budget pay from September 2026.",
    scores=(3, 4, 3, 3),
)

NIGHT_BUS = Idea(
    title="Night line: getting home from the late shift",
    summary="Care and warehouse workers in Wigan and Bolton plan a night minibus with two employers and the council.",
    plan="Workers map journeys, employers share rotas, and a timetable is tested for nine months.",
    months=12,
    situation="no_solution",
    evidence="The last bus leaves at 11:10pm; 430 late shifts end after it.",
    people="People who work late shifts and have no car",
    places=("E08000010", "E08000001"),
    people_count=430,
    heard=(("I spend two hours' pay on a taxi.", "Fares are capped at a bus ticket."),),
    parts=(
        Part("Wharfside Community Land", _LEAD, _TIME, "Organiser", 6_000, "Salary and on-costs", 21_000),
        Part("Croal Bridge Council", _DECIDE, _EXPERTISE, "Timetable and licences", 5_000, "Officer time", 0),
        Part("Mosslane Engineering", _DELIVER, _TIME, "Maintenance of the bus", 4_000, "Workshop rate", 7_000),
    ),
    coproducers_pounds=2_500,
    lever=LeverKind.COMMISSIONING,
    lever_today="Night services are bought by the mile.",
    lever_after="Night services are bought by the shift served.",
    lever_owner="Croal Bridge Council",
    stops="Two employers stop paying for taxis.",
    buying="The council's supported bus contract asks for shift ends to be served.",
    after="Employers pay by the seat from 2027.",
    scores=(3, 3, 2, 3),
)

QUIET_ROOM = Idea(
    title="A quiet room in every leisure centre",
    summary="Rooms with low light and no music in Oldham's leisure centres, planned with autistic young people.",
    plan="Young people choose rooms, hours and rules; staff are trained by them.",
    months=12,
    situation="no_solution",
    evidence="Of 48 young people asked, 41 left a centre within ten minutes.",
    people="Autistic young people and their families",
    places=("E08000004",),
    people_count=600,
    heard=(("It is the hand dryers.", "Dryers are replaced by paper in three centres."),),
    parts=(
        Part("Tandem Youth", _LEAD, _TIME, "Youth worker", 5_000, "Salary and on-costs", 14_000),
        Part("Pennine Edge Leisure", _HOST, _SPACE, "Rooms", 6_000, "Hire rate", 0),
        Part("Loom and Lantern Print", _DELIVER, _EXPERTISE, "Signs and easy-read guides", 1_500, "Trade price", 3_000),
    ),
    coproducers_pounds=2_000,
    lever=LeverKind.PRACTICE,
    lever_today="Centres are designed without autistic people.",
    lever_after="No refit is signed off without the young people's group.",
    lever_owner="Pennine Edge Leisure",
    stops="Music in changing rooms.",
    buying="",
    after="The leisure company keeps the rooms within its own budget.",
    scores=(2, 3, 3, 2),
)

CARE_CIRCLE = Idea(
    title="Care circles: home care run by those who give and get it",
    summary="In Tameside and Stockport, carers and the people they care for plan rounds together and share what "
    "is saved.",
    plan="Hearth and Home Trust, Tame Valley Health Trust and Northlight Mutual start four circles of eight carers and "
    "thirty people. Each circle sets its own rounds. The mutual provides pay in advance of invoices.",
    months=24,
    situation="solutions_will_fail",
    evidence="One in three carers leaves within a year. 74 people told us they had more than nine carers in a month.",
    people="People who get care at home, and those who give it",
    places=("E08000008", "E08000007"),
    people_count=1_200,
    heard=(
        ("I want to know who comes.", "Each circle has eight carers at most, with photographs on the door."),
        ("We are not paid for the road.", "Travel is paid time."),
    ),
    parts=(
        Part("Hearth and Home Trust", _LEAD, _TIME, "Circle organisers", 22_000, "Salary and on-costs", 41_000),
        Part("Tame Valley Health Trust", _DECIDE, _EXPERTISE, "Nurses who teach circles", 12_000, "Band 6 rates", 0),
        Part("Northlight Mutual", _DELIVER, _EXPERTISE, "Pay in advance, at cost", 8_000, "Interest forgone", 7_000),
    ),
    coproducers_pounds=6_000,
    lever=LeverKind.COMMISSIONING,
    lever_today="Care is bought by the minute.",
    lever_after="Care is bought by the week, from a circle that plans it.",
    lever_owner="Tame Valley Health Trust",
    stops="Fifteen-minute calls in the four areas.",
    buying="The health trust's next home care contract has a lot for circles.",
    after="The contract pays from October 2027; circles own their own company.",
    scores=(4, 4, 3, 4),
)

SECOND_LANGUAGE = Idea(
    title="Women's thread: sewing work that fits school hours",
    summary="A workshop in Rochdale where women who are new to English set hours, prices and training with two buyers.",
    plan="Women's Thread, Medlock Vale Council and Beewing Digital open a workshop with an order book that "
    "anybody can read.",
    months=18,
    situation="solutions_fail",
    evidence="English classes have 300 on the list, and none has work at the end of it.",
    people="Women who are new to English, most of them mothers",
    places=("E08000005", "E08000003"),
    people_count=280,
    heard=(("Class at nine is no use, school starts at nine.", "The workshop opens at half past nine."),),
    parts=(
        Part("Women's Thread", _LEAD, _TIME, "Workshop leader", 9_000, "Salary and on-costs", 26_000),
        Part("Medlock Vale Council", _DECIDE, _EXPERTISE, "Buyers who place orders", 6_000, "Officer time", 0),
        Part("Beewing Digital", _DELIVER, _EXPERTISE, "The order book", 9_500, "Day rates at cost", 5_000),
    ),
    coproducers_pounds=6_500,
    lever=LeverKind.COMMISSIONING,
    lever_today="Uniforms are bought in one lot from far away.",
    lever_after="Uniforms are bought in small lots that a workshop can make.",
    lever_owner="Medlock Vale Council",
    stops="One national uniform contract.",
    buying="The council splits its uniform contract into lots under £25,000.",
    after="Orders pay from month fourteen.",
    scores=(3, 3, 4, 3),
)

WARM_STREET = Idea(
    title="Warm street: neighbours insulate a terrace together",
    summary="One terrace in Wigan insulates as a street, led by tenants and owners, with an apprenticeship for "
    "local people.",
    plan="Rook Street Foundation, Mosslane Engineering and Irwellside Council do a whole street at once at half "
    "the cost.",
    months=15,
    situation="solutions_will_fail",
    evidence="Eleven schemes offered one house at a time; four houses of ninety took part.",
    people="Tenants and owners of cold terraced houses",
    places=("E08000010",),
    people_count=210,
    heard=(("My landlord says no, then the street says no.", "Landlords are asked once, by the street."),),
    parts=(
        Part("Rook Street Foundation", _LEAD, _TIME, "Street organiser", 5_000, "Salary and on-costs", 19_000),
        Part("Irwellside Council", _DECIDE, _EXPERTISE, "Licences and surveys", 4_000, "Officer time", 0),
        Part("Mosslane Engineering", _DELIVER, _TIME, "Apprentices' teacher", 6_000, "Day rates", 12_000),
    ),
    coproducers_pounds=2_000,
    lever=LeverKind.RULES,
    lever_today="A licence for each house.",
    lever_after="One licence for a street.",
    lever_owner="Irwellside Council",
    stops="House by house surveys.",
    buying="",
    after="Savings on bills repay a street fund.",
    scores=(3, 2, 3, 3),
)

OPEN_LEDGER = Idea(
    title="Doors open: a debt desk that changes the rules",
    summary="People in debt and a law firm turn the same ten cases into one change of rules at a time.",
    plan="Open Door Kersal, Calder and Finch Solicitors and Irwellside Council meet each month on cases that repeat.",
    months=18,
    situation="solutions_fail",
    evidence="Seven in ten cases at our desk are the third visit with the same creditor.",
    people="People in debt to public bodies",
    places=("E08000006",),
    people_count=1_500,
    heard=(("They took it before they wrote.", "No bailiff is sent before somebody has rung."),),
    parts=(
        Part("Open Door Kersal", _LEAD, _TIME, "Desk worker", 7_000, "Salary and on-costs", 22_000),
        Part("Irwellside Council", _DECIDE, _EXPERTISE, "Collection team's time", 5_000, "Officer time", 0),
        Part(
            "Calder and Finch Solicitors", _ADVISE, _EXPERTISE, "Free advice", 9_000, "Charge-out rate, halved", 3_000
        ),
    ),
    coproducers_pounds=3_000,
    lever=LeverKind.RULES,
    lever_today="Council tax arrears go to bailiffs after one letter.",
    lever_after="Nobody is sent to bailiffs before a conversation.",
    lever_owner="Irwellside Council",
    stops="One-letter collection.",
    buying="",
    after="The council's collection budget pays from 2028.",
    scores=(3, 3, 3, 3),
)
