"""The denoising convolutional autoencoder: network, training, checkpoints, anomaly scores."""
