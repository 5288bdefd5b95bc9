"""Member organisations: joining, sector, connected groups, and who acts for whom.

`members.accounts` holds the people and how they sign in; `members.contributions` what organisations pay in.
"""
