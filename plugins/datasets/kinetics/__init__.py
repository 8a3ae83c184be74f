"""Kinetics-400: skeletons by OpenPose and by HRNet, and the videos."""
