"""Skin-lesion classifiers of five published papers, rebuilt, trained and measured. Research only, never a diagnosis."""
