"""The vendor's result codes and what they are called, in Chinese and in English."""

SUCCESS = "0200000"
PARAMETER_ERROR = "0200001"
DATABASE_ERROR = "0200006"
EMPTY = "02000001"
ILLEGAL_CHARACTERS = "02000002"
TOO_LONG = "02000003"
WRONG_TYPE = "02000006"
OUT_OF_RANGE = "02000007"
NOT_CONVERTIBLE = "02000008"
CONFLICT = "02000009"
TOO_MANY = "02000011"

TOO_FAST = "0200022"

ENGLISH = "en_US"
CHINESE = "zh_CN"

_DESCRIPTIONS = {
    SUCCESS: ("成功", "success"),
    PARAMETER_ERROR: ("参数错误", "parameter error"),
    DATABASE_ERROR: ("数据库错误", "database error"),
    EMPTY: ("参数为空", "a parameter is empty"),
    ILLEGAL_CHARACTERS: ("参数包含非法字符", "illegal characters"),
    TOO_LONG: ("参数超过最大长度", "longer than allowed"),
    "02000004": ("参数小于最小长度", "shorter than allowed"),
    "02000005": ("参数长度不在允许范围内", "length outside the allowed range"),
    WRONG_TYPE: ("参数类型错误", "wrong type"),
    OUT_OF_RANGE: ("参数值超出范围", "value out of range"),
    NOT_CONVERTIBLE: ("参数转换失败", "parameter could not be converted"),
    CONFLICT: ("参数之间不匹配", "parameters do not go together"),
    "02000010": ("小时和分钟必须同时存在", "hour and minute must come together"),
    TOO_MANY: ("参数过多", "too many parameters"),
    TOO_FAST: ("调用过于频繁", "called too fast"),
}


def describe(code: str, locale: str, detail: str = "") -> str:
    """Return the description of `code` in English for the locale `en_US`, else in Chinese, followed by `detail`."""
    chinese, english = _DESCRIPTIONS.get(code, ("未知错误", "unknown error"))
    description = english if locale == ENGLISH else chinese
    return f"{description}: {detail}" if detail else description
