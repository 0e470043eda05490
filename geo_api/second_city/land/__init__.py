"""Land of the second city: borders, roads, coordinates, names, and places where things can stand."""
