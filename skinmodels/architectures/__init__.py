"""The networks, one file a family: builders with their specs beside them. Builders import keras when called."""
