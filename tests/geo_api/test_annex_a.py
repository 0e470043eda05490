"""The abstract tests of OGC API Features part 1 and of OGC API Tiles that need nothing but the API itself."""

from tests.conformance.test_features_core import *  # noqa: F403
from tests.conformance.test_tiles import *  # noqa: F403
