"""Where everything comes from: the papers whose networks are rebuilt here, and the public sets they are trained on."""

from skinmodels.spec import DataSet, Paper, Yardstick

PAPER_1 = Paper(
    1,
    "N. Nafi'iyah: Implementation of Convolutional Neural Networks in Skin Cancer Classification Using Django. "
    "EasyChair preprint, 2020",
)
PAPER_2 = Paper(
    2,
    "P. Pande, S. Likhar, A. Ninave, Y. Kumbhare, H. Wankhede: Localising And Classifying Skin Cancer",
)
PAPER_3 = Paper(
    3,
    "H. Liu, A. Wang, A. Peng: Cancer Image Datasets Classification",
)
PAPER_4 = Paper(
    4,
    "R. Garg, S. Maheshwari, A. Shukla: Decision Support System for Detection and Classification of Skin Cancer using CNN",
    url="https://arxiv.org/abs/1912.03798",
)
PAPER_5 = Paper(
    5,
    "S. Srinadhraju, T. Mohan Reddy, M. Phanindra Kumar, G. Sisir, D. Vamsi Kishore: "
    "Classification of Skin Cancer Using Deep Neural Network with MobileNet",
)

KAGGLE = DataSet(
    key="kaggle",
    title="Kaggle, Skin Cancer: Malignant vs. Benign",
    tab="Kaggle: benign or malignant",
    licence="pictures of the ISIC archive, licence of the collection not stated; research only",
    url="https://www.kaggle.com/datasets/fanconic/skin-cancer-malignant-vs-benign",
    split="published",
    tested_on="Its published test part. Most of its pictures are HAM10000's; its benign class is nevi alone.",
    caveats=(
        "Its set has no lesion ids: some pictures of its test part, and of the part that calibration was fitted on, show "
        "lesions that its training part shows too.",
        "As far as its pictures could be traced, its malignant ones are melanomas and its benign ones nevi: it may never "
        "have seen another diagnosis.",
    ),
)
HAM10000 = DataSet(
    key="ham10000",
    title="HAM10000",
    tab="HAM10000: seven classes",
    licence="CC BY-NC 4.0",
    url="https://doi.org/10.7910/DVN/DBW86T",
    split="lesion",
    tested_on="Its seeded test part, lesions apart.",
    yardsticks=(Yardstick("ham_reference", "our reference network"),),
)
SIIM = DataSet(
    key="siim",
    title="Melanoma 10,000 (benign mostly of SIIM-ISIC 2020, malignant of the ISIC archive)",
    tab="SIIM-ISIC: melanoma",
    licence="CC BY-NC 4.0 (SIIM-ISIC 2020 and the ISIC archive)",
    url="https://www.kaggle.com/datasets/hasnainjaved/melanoma-skin-cancer-dataset-of-10000-images",
    split="published",
    tested_on="The published test part of the melanoma 10,000 set; benign and malignant pictures come from different sources.",
    shares=(HAM10000,),
    confounder="In its set benign and malignant pictures come from different places, so that a network may learn the source "
    "and not the disease.",
    given_away=(
        Yardstick("siim_border", "the colours of the picture's border"),
        Yardstick("siim_colour", "the picture's colours (not where they are)"),
    ),
    caveats=("As far as its malignant pictures could be traced, they are melanomas: it may never have seen another cancer.",),
    yardsticks=(
        Yardstick("siim_border", "the colours of the border alone"),
        Yardstick("siim_colour", "the colours of the picture alone"),
    ),
)
ISIC2019 = DataSet(
    key="isic2019",
    title="ISIC 2019",
    tab="ISIC 2019: six classes",
    licence="CC BY-NC 4.0 (BCN_20000, HAM10000, MSK)",
    url="https://challenge.isic-archive.com/data/#2019",
    split="lesion",
    tested_on="Its seeded test part, lesions apart, of the six classes its models know.",
)
# For measuring alone.
PAD_UFES = DataSet(
    key="pad_ufes",
    title="PAD-UFES-20 (clinical smartphone photographs)",
    tab="",
    licence="CC BY 4.0",
    url="https://doi.org/10.17632/zr7vgbcyr2.1",
    tested_on="All of it. Clinical photographs taken with phones, which dermoscopy models have never seen.",
    common=(("ACK", "AK"), ("BCC", "BCC"), ("MEL", "MEL"), ("NEV", "NV"), ("SCC", "SCC"), ("SEK", "BKL")),
    disputed="ACK",
)

# Those that models are trained on, in the order of the tabs; and all there are.
DATASETS = {dataset.key: dataset for dataset in (KAGGLE, HAM10000, SIIM, ISIC2019)}
ALL = {dataset.key: dataset for dataset in (KAGGLE, HAM10000, ISIC2019, SIIM, PAD_UFES)}
