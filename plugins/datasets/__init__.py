"""The data sets that come with skelbench; their readers are imported only when data is read."""

from __future__ import annotations

from collections.abc import Iterable

from skelbench import hookimpl
from skelbench.components import Dataset

from .clips.params import ClipsParams
from .skeletons.params import SkeletonsParams
from .videos.params import VideosParams

UCLA = Dataset(
    name="ucla",
    summary="Northwestern-UCLA Multiview Action 3D: 10 actions, 20 joints, three views",
    target="skelbench_plugins.datasets.ucla.reader:UclaReader",
    layout="ucla20",
    classes=10,
    protocols=("xview",),
    forms=("folder all_sqe of aAA_sSS_eEE_vVV.json",),
)

_NTU_FORMS = (
    "folder or zip of SsssCcccPpppRrrrAaaa.skeleton",
    "ST-GCN's {train,val}_data[_joint].npy with {train,val}_label.pkl",
    "CTR-GCN's npz (NTU60_CS.npz)",
    "pyskl's 3-D pkl (ntu60_3danno.pkl)",
)
NTU60 = Dataset(
    name="ntu60",
    summary="NTU RGB+D 60: 60 actions, 25 joints, cross-subject and cross-view",
    target="skelbench_plugins.datasets.ntu.reader:Ntu60Reader",
    layout="ntu25",
    classes=60,
    persons=2,
    protocols=("xsub", "xview"),
    forms=_NTU_FORMS,
)
NTU120 = Dataset(
    name="ntu120",
    summary="NTU RGB+D 120: 120 actions, 25 joints, cross-subject and cross-setup",
    target="skelbench_plugins.datasets.ntu.reader:Ntu120Reader",
    layout="ntu25",
    classes=120,
    persons=2,
    protocols=("xsub", "xset"),
    forms=_NTU_FORMS,
)

KINETICS = Dataset(
    name="kinetics",
    summary="Kinetics-Skeleton: 400 actions in web videos, OpenPose's 18 key points",
    target="skelbench_plugins.datasets.kinetics.skeletons:KineticsReader",
    layout="openpose18",
    classes=400,
    axes=2,
    subjects=False,
    persons=2,
    protocols=("val",),
    forms=("folder of kinetics_{train,val}/ID.json with kinetics_{train,val}_label.json",),
)
KINETICS_COCO = Dataset(
    name="kinetics-coco",
    summary="Kinetics-400: 400 actions in web videos, COCO's 17 key points by HRNet",
    target="skelbench_plugins.datasets.kinetics.coco:KineticsCocoReader",
    layout="coco17",
    classes=400,
    axes=2,
    subjects=False,
    persons=2,
    protocols=("val",),
    forms=("pyskl's 2-D pkl with its key points", "pyskl's k400_hrnet.pkl beside its folder kpfiles"),
)

_SHREC_FORMS = (
    "folder of gesture_G/finger_F/subject_S/essai_E/skeletons_world.txt with {train,test}_gestures.txt",
)
SHREC14 = Dataset(
    name="shrec17-14",
    summary="SHREC'17 Track: 14 hand gestures, 22 joints of one hand",
    target="skelbench_plugins.datasets.shrec.reader:shrec14",
    layout="shrec22",
    classes=14,
    protocols=("official",),
    forms=_SHREC_FORMS,
)
SHREC28 = Dataset(
    name="shrec17-28",
    summary="SHREC'17 Track: 14 hand gestures with one finger or the whole hand, 22 joints of one hand",
    target="skelbench_plugins.datasets.shrec.reader:shrec28",
    layout="shrec22",
    classes=28,
    protocols=("official",),
    forms=_SHREC_FORMS,
)

_DHG_FORMS = (
    "folder of gesture_G/finger_F/subject_S/essai_E/skeleton_world.txt "
    "with informations_troncage_sequences.txt",
)
# Leave one subject out, named after the performer of the test split.
DHG_PROTOCOLS = tuple(f"loso-{subject}" for subject in range(1, 21))
DHG14 = Dataset(
    name="dhg-14",
    summary="DHG-14/28: 14 hand gestures, 22 joints of one hand, one performer left out",
    target="skelbench_plugins.datasets.shrec.dhg:dhg14",
    layout="shrec22",
    classes=14,
    protocols=DHG_PROTOCOLS,
    forms=_DHG_FORMS,
)
DHG28 = Dataset(
    name="dhg-28",
    summary="DHG-14/28: 14 hand gestures with one finger or the whole hand, one performer left out",
    target="skelbench_plugins.datasets.shrec.dhg:dhg28",
    layout="shrec22",
    classes=28,
    protocols=DHG_PROTOCOLS,
    forms=_DHG_FORMS,
)

UCF101 = Dataset(
    name="ucf101",
    summary="UCF101: 101 actions in web videos, three splits",
    target="skelbench_plugins.datasets.ucf101.reader:Ucf101Reader",
    modality="video",
    classes=101,
    protocols=("split1", "split2", "split3"),
    forms=("folder of UCF-101/CLASS/v_CLASS_gGG_cCC.avi (or videos/) with ucfTrainTestlist/",),
)
KINETICS400 = Dataset(
    name="kinetics400",
    summary="Kinetics-400: 400 actions in web videos",
    target="skelbench_plugins.datasets.kinetics.videos:Kinetics400Reader",
    modality="video",
    classes=400,
    subjects=False,
    protocols=("val",),
    forms=(
        "folders train/ and val/ of videos with train.csv and val.csv",
        "folders train/CLASS and val/CLASS of videos",
    ),
)
CLIPS = Dataset(
    name="clips",
    summary="Any small videos in one npz file, whose arrays are named by parameters",
    target="skelbench_plugins.datasets.clips.reader:ClipsReader",
    params=ClipsParams,
    modality="video",
    stream="video",
    classes=10,
    channels=1,
    protocols=("official",),
    forms=("npz of x (N, T, H, W) or (N, T, H, W, C) uint8, labels and split",),
)
VIDEOS = Dataset(
    name="videos",
    summary="Videos of your own: files in a folder for each class",
    target="skelbench_plugins.datasets.videos.reader:VideosReader",
    params=VideosParams,
    modality="video",
    subjects=False,
    classes=10,
    protocols=("official",),
    forms=(
        "folders train/CLASS and test/CLASS (or val/) of videos",
        "folders CLASS of videos with lists of what is trained on and tested, or HMDB51's",
    ),
)
_DEPTH_FORMS = ("npz of x (N, 16, 50, 50), gesture, finger, subject, essai, label14, label28 and train",)
SHREC_DEPTH14 = Dataset(
    name="shrec17-depth-14",
    summary="SHREC'17 Track: 14 hand gestures as depth videos of 16 frames",
    target="skelbench_plugins.datasets.shrec.depth:depth14",
    modality="video",
    classes=14,
    channels=1,
    frame_size=(50, 50),
    stream="depth",
    protocols=("official",),
    forms=_DEPTH_FORMS,
)
SHREC_DEPTH28 = Dataset(
    name="shrec17-depth-28",
    summary="SHREC'17 Track: 14 hand gestures with one finger or the whole hand, as depth videos",
    target="skelbench_plugins.datasets.shrec.depth:depth28",
    modality="video",
    classes=28,
    channels=1,
    frame_size=(50, 50),
    stream="depth",
    protocols=("official",),
    forms=_DEPTH_FORMS,
)

SKELETONS = Dataset(
    name="skeletons",
    summary="Skeletons of your own: any layout and classes, in files as they are",
    target="skelbench_plugins.datasets.skeletons.reader:SkeletonsReader",
    describer="skelbench_plugins.datasets.skeletons.describe:describe",
    params=SkeletonsParams,
    layout="kinect20",
    classes=10,
    protocols=("official",),
    forms=(
        "a folder of text, CSV, npy or JSON (OpenPose, AlphaPose, MMPose, MediaPipe) by a pattern of names",
        "one npz of named arrays",
        "a pickle of pyskl's annotations, or of named lists",
    ),
)
PLANTED_DISTANT = Dataset(
    name="planted-distant",
    summary="Made motions that differ only in how joints far apart on the skeleton move together",
    target="skelbench_plugins.datasets.planted.reader:DistantReader",
    layout="ntu25",
    classes=4,
    protocols=("xsub",),
    forms=("planted.npz of x (n, 16, 1, 25, 3), labels and subjects, as `skelbench data synth` makes it",),
    made=1000,
)

_WHOLE_BODY = (SKELETONS, PLANTED_DISTANT, UCLA, NTU60, NTU120, KINETICS, KINETICS_COCO)
_VIDEOS = (UCF101, KINETICS400, CLIPS, VIDEOS, SHREC_DEPTH14, SHREC_DEPTH28)
DATASETS: tuple[Dataset, ...] = (*_WHOLE_BODY, SHREC14, SHREC28, DHG14, DHG28, *_VIDEOS)


@hookimpl
def register_datasets() -> Iterable[Dataset]:
    """Every data set of this package."""
    return DATASETS
