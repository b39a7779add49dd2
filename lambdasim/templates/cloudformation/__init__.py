"""SAM and CloudFormation templates, and what CDK synthesizes."""
