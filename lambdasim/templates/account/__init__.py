"""An account as its owner exports it with the AWS CLI: files recognised by content, joined by ARN."""
