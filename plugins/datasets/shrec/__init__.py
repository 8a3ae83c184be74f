"""SHREC'17 Track and DHG-14/28: skeletons of hands, and depth videos."""
