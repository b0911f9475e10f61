"""All tests; a package, so that some of its folders can be, and have fixtures of their own (scope `package`)."""
