"""The stores behind the contract, strangers to each other. They know neither the engine nor the models."""
