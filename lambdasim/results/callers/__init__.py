"""What came of calls: chains, loops, alarms."""
