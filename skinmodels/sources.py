"""Where everything comes from: the papers whose networks are rebuilt here, and the public sets they are trained on."""

from skinmodels.spec import DataSet, Paper

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
)
HAM10000 = DataSet(
    key="ham10000",
    title="HAM10000",
    tab="HAM10000: seven classes",
    licence="CC BY-NC 4.0",
    url="https://doi.org/10.7910/DVN/DBW86T",
)
SIIM = DataSet(
    key="siim",
    title="Melanoma 10,000 (benign mostly of SIIM-ISIC 2020, malignant of the ISIC archive)",
    tab="SIIM-ISIC: melanoma",
    licence="CC BY-NC 4.0 (SIIM-ISIC 2020 and the ISIC archive)",
    url="https://www.kaggle.com/datasets/hasnainjaved/melanoma-skin-cancer-dataset-of-10000-images",
)
ISIC2019 = DataSet(
    key="isic2019",
    title="ISIC 2019",
    tab="ISIC 2019: six classes",
    licence="CC BY-NC 4.0 (BCN_20000, HAM10000, MSK)",
    url="https://challenge.isic-archive.com/data/#2019",
)

# In the order of the tabs.
DATASETS = {dataset.key: dataset for dataset in (KAGGLE, HAM10000, SIIM, ISIC2019)}
