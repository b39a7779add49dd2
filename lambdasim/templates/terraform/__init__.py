"""What Terraform says in JSON: plans, states, and the raw state file."""
