"""A missing setting is named, and no value is shown."""

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import SettingsError, read_settings


class ShopSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")

    password: SecretStr
    port: int = 1


def test_the_error_names_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "hunter2")
    with pytest.raises(SettingsError, match="SHOP_PASSWORD: Field required") as caught:
        read_settings(ShopSettings)
    assert "SHOP_PORT" in str(caught.value)
    assert "hunter2" not in str(caught.value)
