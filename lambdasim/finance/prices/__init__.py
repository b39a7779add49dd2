"""Price files: private price books, and sheets refreshed from AWS's Price List."""
