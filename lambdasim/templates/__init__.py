"""Templates that people have, read into one neutral model, and written as a scenario to run and edit."""
