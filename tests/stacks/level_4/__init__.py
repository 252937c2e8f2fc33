"""What a production system of level 4 does, on one stack that all of these tests share."""
