"""What security and compliance cost beside a scenario's runs."""
