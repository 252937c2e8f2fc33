"""The microservice chassis: what every service needs and no feature owns."""
