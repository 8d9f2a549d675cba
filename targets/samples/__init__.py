"""Small systems that are the same wherever they are run, to compare tools and strategies."""
