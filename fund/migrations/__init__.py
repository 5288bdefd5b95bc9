"""The database's shape over time: hand-numbered revisions, and `.current-head` names the newest."""
