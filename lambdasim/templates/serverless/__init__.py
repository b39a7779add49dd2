"""The Serverless Framework's ``serverless.yml``."""
