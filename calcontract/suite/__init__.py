"""What pytest collects: the contract's scenarios, bound in one line."""
