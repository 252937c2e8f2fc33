"""What hears of everything that happens to files, a module each with `observe(event)`."""
