"""The traffic above which servers are cheaper."""
