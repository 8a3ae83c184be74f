"""The data sets that come with skelbench; their readers are imported only when data is read."""

from __future__ import annotations

from collections.abc import Iterable

from skelbench import hookimpl
from skelbench.components import Dataset

UCLA = Dataset(
    name="ucla",
    summary="Northwestern-UCLA Multiview Action 3D: 10 actions, 20 joints, three views",
    target="skelbench_plugins.datasets.ucla:UclaReader",
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
    target="skelbench_plugins.datasets.ntu:Ntu60Reader",
    layout="ntu25",
    classes=60,
    persons=2,
    protocols=("xsub", "xview"),
    forms=_NTU_FORMS,
)
NTU120 = Dataset(
    name="ntu120",
    summary="NTU RGB+D 120: 120 actions, 25 joints, cross-subject and cross-setup",
    target="skelbench_plugins.datasets.ntu:Ntu120Reader",
    layout="ntu25",
    classes=120,
    persons=2,
    protocols=("xsub", "xset"),
    forms=_NTU_FORMS,
)

KINETICS = Dataset(
    name="kinetics",
    summary="Kinetics-Skeleton: 400 actions in web videos, OpenPose's 18 key points",
    target="skelbench_plugins.datasets.kinetics:KineticsReader",
    layout="openpose18",
    classes=400,
    persons=2,
    protocols=("val",),
    forms=("folder of kinetics_{train,val}/ID.json with kinetics_{train,val}_label.json",),
)
KINETICS_COCO = Dataset(
    name="kinetics-coco",
    summary="Kinetics-400: 400 actions in web videos, COCO's 17 key points by HRNet",
    target="skelbench_plugins.datasets.kinetics_coco:KineticsCocoReader",
    layout="coco17",
    classes=400,
    persons=2,
    protocols=("val",),
    forms=("pyskl's 2-D pkl with its key points", "pyskl's k400_hrnet.pkl beside its folder kpfiles"),
)

DATASETS: tuple[Dataset, ...] = (UCLA, NTU60, NTU120, KINETICS, KINETICS_COCO)


@hookimpl
def register_datasets() -> Iterable[Dataset]:
    """Every data set of this package."""
    return DATASETS
