"""Member organisations: joining, sector, connected groups, and who acts for whom.

`members.accounts` holds the people and how they sign in; `members.contributions` what organisations pay in;
`members.profile` what they say of themselves and what others certified of them.
"""
