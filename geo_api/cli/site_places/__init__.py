"""``wangge sites``: sites without place, and the places that the gazetteer proposes for them."""
