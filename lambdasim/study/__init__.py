"""Questions asked of many runs: which memory size, which scenario, which limit first."""
