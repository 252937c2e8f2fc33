"""What the tests share: rendering, projects, Docker."""
