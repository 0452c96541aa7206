"""What crosses floors: checks, real clients, symptoms of the field, benches. They judge the shipped binary from outside."""
