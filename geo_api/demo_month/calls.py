"""Words of invented reports: as callers of the hotline speak, and as grid workers and systems write."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import numpy as np

from grid.practice import KnownPlace

_OPENINGS = (
    "你好，", "您好，我想反映一个事情，", "喂，是热线吗，", "我要投诉，", "麻烦你记一下，", "同志你好，", "",
    "之前打过一次电话没有结果，", "我是这边的住户，", "想问一下这个归哪里管，",
)  # fmt: skip
_ENDINGS = (
    "，麻烦派人来看看。", "，希望尽快处理。", "，你们管不管啊？", "，处理好了给我回个电话。", "，拜托了。", "，谢谢。",
    "，已经好几天了。", "，大家意见都很大。", "，不要又说不归你们管。", "，请尽快。",
)  # fmt: skip
_SPOTS = (
    "路口",
    "小区门口",
    "北边",
    "东头",
    "卫生室旁边",
    "老桥边",
    "公交站附近",
    "菜场旁边",
    "河边",
    "村口",
    "后面的巷子",
)
_OF_PATROL = (
    "巡查发现{where}疑似{matter}，已口头劝导，现场仍未停止。",
    "日常走访中居民反映{where}存在{matter}情况，现场查看属实，已拍照。",
    "{where}发现{matter}线索，影响约三十户居民，请核实。",
    "网格巡查：{where}，{matter}，当事人不在现场。",
)
_OF_SYSTEMS = (
    "视频识别：{where}，疑似{matter}，置信度 {share} %，连续 3 帧。",
    "物联感知推送：{where}，监测值连续 2 小时超过阈值，疑似{matter}。",
)
_OF_MODELS = (
    "研判模型推送：{where}近 7 日夜间活动明显高于前 30 日，疑似{matter}，评分 0.{share}。",
    "研判模型推送：{where}同类反映 14 日内重复 3 次，疑似{matter}，评分 0.{share}，线索仅供核查。",
)
WRITTEN = {"grid": _OF_PATROL, "system": _OF_SYSTEMS, "model": _OF_MODELS}


@lru_cache
def _calls() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return what callers say, by item code (or none) and domain (or none)."""
    written = (resources.files(__package__) / "calls.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in csv.DictReader(written.splitlines()):
        found[row["item_code"], "" if row["item_code"] else row["domain"]].append(row["text"])
    return {key: tuple(texts) for key, texts in found.items()}


def spot(place: KnownPlace, rng: np.random.Generator) -> str:
    """Return a place as people name it: community or town, and what stands there."""
    return f"{place.community or place.town}{_SPOTS[rng.integers(len(_SPOTS))]}"


def address_of(place: KnownPlace) -> str:
    """Return the address that a caller gives: town and community."""
    return f"{place.town}{place.community or ''}"


def call(item_code: str, domain: str, matter: str, place: KnownPlace, rng: np.random.Generator) -> str:
    """Return what a caller says of a matter; one whose words are not known is named by its matter.

    Examples
    --------
    >>> place = KnownPlace(0.0, 0.0, "1", "某镇", "东村", None)
    >>> "露天烧窑" in call("X-1", "ecology", "露天烧窑", place, np.random.default_rng(1))
    True
    """
    known = _calls()
    texts = known.get((item_code, "")) or known.get(("", domain)) or known["", ""]
    where = spot(place, rng)
    said = texts[rng.integers(len(texts))].format(
        where=where, near=place.enterprise or f"{where}的厂子", matter=matter
    )
    return f"{_one_of(_OPENINGS, rng)}{said}{_one_of(_ENDINGS, rng)}"


def written_report(source: str, matter: str, place: KnownPlace, rng: np.random.Generator) -> str:
    """Return what a grid worker writes on the phone (``grid``), or what a ``system`` or a ``model`` sends."""
    share = int(rng.integers(71, 99))
    return _one_of(WRITTEN[source], rng).format(where=spot(place, rng), matter=matter, share=share)


def _one_of(texts: tuple[str, ...], rng: np.random.Generator) -> str:
    return texts[rng.integers(len(texts))]
