"""The documentation page as a person uses it: operations are opened, filled in and executed."""

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

_WAIT_SECONDS = 20


class Operation:
    """An operation that is unfolded on the page. Methods block until the page shows what they need."""

    def __init__(self, block: WebElement) -> None:
        self._block = block

    def fields(self) -> list[tuple[str, list[str]]]:
        """The name of each field of the form and the values of its inputs; that of an empty input is ""."""
        _wait_for(self._block, "tr.parameters")
        return [
            (str(row.get_attribute("data-property-name")), [each.get_attribute("value") or "" for each in _inputs(row)])
            for row in self._block.find_elements(By.CSS_SELECTOR, "tr.parameters")
        ]

    def fill_in(self, field: str, value: str) -> None:
        """Type a value, choose it from the list, or choose the file with this path."""
        _inputs(_wait_for(self._block, f"tr.parameters[data-property-name='{field}']"))[0].send_keys(value)

    def execute(self) -> int:
        """Press "Execute" and return the status of the response that the page then shows."""
        _wait_for(self._block, "button.execute").click()
        return int(_wait_for(self._block, ".live-responses-table .response .response-col_status").text.split()[0])


def section_sizes(driver: WebDriver, gateway_url: str) -> dict[str, int]:
    """Load the page and return the number of operations in each section, by its tag."""
    driver.get(f"{gateway_url}/docs")
    _wait_for(driver, ".opblock")
    return {
        str(_wait_for(section, ".opblock-tag").get_attribute("data-tag")): len(
            section.find_elements(By.CSS_SELECTOR, ".opblock")
        )
        for section in driver.find_elements(By.CSS_SELECTOR, ".opblock-tag-section")
    }


def open_operation(driver: WebDriver, gateway_url: str, operation_id: str) -> Operation:
    """Load the page and unfold an operation."""
    driver.get(f"{gateway_url}/docs")
    block = _wait_for(driver, f".opblock[id$='-{operation_id}']")
    _wait_for(block, ".opblock-summary-control").click()
    return Operation(block)


def _inputs(row: WebElement) -> list[WebElement]:
    return row.find_elements(By.CSS_SELECTOR, "input, select, textarea")


def _wait_for(place: WebDriver | WebElement, selector: str) -> WebElement:
    """The first element under `place` that matches. Raises TimeoutException if none appears before the deadline."""
    wait = WebDriverWait(place, _WAIT_SECONDS)
    return wait.until(lambda here: here.find_element(By.CSS_SELECTOR, selector), f"{selector} on the page")
