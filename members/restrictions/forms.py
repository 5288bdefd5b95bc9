"""Forms of restricted funds."""

from wtforms import SelectMultipleField
from wtforms.validators import Optional

from fund.kernel.forms import BaseForm, DayField, LongTextField, Needed, TextField, UpTo
from fund.kernel.places import DISTRICTS
from members.restrictions.rules import Terms


class TermsForm(BaseForm):
    """What a pledge is given for."""

    pledge = TextField("Reference of the pledge", validators=[Needed("Give the pledge's reference."), UpTo(40)])
    title = TextField("Name of the restricted fund", validators=[Needed("Give it a short name."), UpTo(120)])
    purpose = LongTextField("Purpose, in the contributor's words", validators=[UpTo(1000)])
    priority = TextField("Priority of the fund", validators=[UpTo(120)])
    districts = SelectMultipleField("Districts", choices={district.code: district.name for district in DISTRICTS})
    from_on = DayField("First day on which it may be used", validators=[Optional()])
    spend_by = DayField("Last day on which it may be used", validators=[Optional()])

    def terms(self) -> Terms:
        """The terms as the rules take them."""
        return Terms(
            purpose=self.purpose.data or "",
            priority=self.priority.data or "",
            districts=frozenset(self.districts.data or ()),
            from_on=self.from_on.data,
            spend_by=self.spend_by.data,
        )
