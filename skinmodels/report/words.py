"""Names and phrases that page, cards and README share."""

# How the test pictures were set apart, by ``split.kind`` of a record.
SPLITS = {
    "lesion": "split by lesion: no lesion known by its id has pictures on both sides",
    "patient": "split by patient: no patient has pictures on both sides",
    "published": "the set's own test part; without lesion ids, so that some lesions may have pictures on both sides",
    "random": "split by picture: pictures of one lesion may lie on both sides",
}
