"""What rendering alone can prove."""
