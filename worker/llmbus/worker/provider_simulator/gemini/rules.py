"""What Gemini's generateContent refuses."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmbus.worker.llm_abstractions.profiles import ModelProfile, Thinking
from llmbus.worker.provider_simulator.api_error import refuse
from llmbus.worker.provider_simulator.fields import as_list, as_object, is_object, refuse_others

__all__ = ["check_config", "check_contents", "check_parameters"]

_PARAMETERS: Final = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"}
    | {"cachedContent", "labels", "serviceTier", "store", "model", "continuationToken"}
)
_CONFIG: Final = frozenset(
    {"temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences"}
    | {"responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities"}
    | {"presencePenalty", "frequencyPenalty", "seed", "responseLogprobs", "logprobs"}
    | {"speechConfig", "audioTimestamp", "thinkingConfig", "mediaResolution", "imageConfig"}
    | {"enableEnhancedCivicAnswers", "outputConfig"}
)
_DATA: Final = frozenset(
    {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode"}
    | {"codeExecutionResult", "toolCall", "toolResponse"}
)
_BESIDE_DATA: Final = frozenset(
    {"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"}
)
_WITHOUT_MINIMAL: Final = ("gemini-3.7", "gemini-3.8", "gemini-4")
_LEVELS: Final = ("minimal", "low", "medium", "high")


def _unknown(where: str) -> Any:
    place = f" at '{where}'" if where else ""

    def say(name: str) -> str:
        return f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'

    return say


def check_parameters(body: Mapping[str, Any]) -> None:
    """Names of the top level, and the system instruction."""
    refuse_others(body, _PARAMETERS, _unknown(""))
    if (instruction := body.get("systemInstruction")) is not None:
        _check_parts(
            as_object(instruction, "system_instruction").get("parts"), "system_instruction"
        )


def check_config(config: Mapping[str, Any], profile: ModelProfile, model: str) -> None:
    """`generationConfig`."""
    refuse_others(config, _CONFIG, _unknown("generation_config"))
    temperature = config.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        refuse("temperature must be in the range [0.0, 2.0].")
    limit = config.get("maxOutputTokens")
    if limit is not None and limit < 1:
        refuse("max_output_tokens must be positive.")
    thinking = config.get("thinkingConfig")
    if is_object(thinking):
        _check_thinking(thinking, profile, model)


def _check_thinking(thinking: Mapping[str, Any], profile: ModelProfile, model: str) -> None:
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None and level is not None:
        refuse("You can only set one of thinking budget and thinking level.")
    if level is not None:
        if profile.thinking_style != "level":
            refuse("Thinking level is not supported for this model.")
        barred = str(level).lower() == "minimal" and model.startswith(_WITHOUT_MINIMAL)
        if barred or str(level).lower() not in _LEVELS:
            refuse(f"Thinking level {level} is not supported for this model.")
    if budget == 0 and profile.thinking is Thinking.ALWAYS:
        refuse("Budget 0 is invalid. This model only works in thinking mode.")


def check_contents(contents: object, profile: ModelProfile) -> None:
    """The conversation."""
    turns = [as_object(turn, "contents") for turn in as_list(contents or [], "contents")]
    if not turns:
        refuse("* GenerateContentRequest.contents: contents is not specified")
    for position, turn in enumerate(turns):
        where = f"contents[{position}]"
        refuse_others(turn, {"role", "parts"}, _unknown(where))
        if turn.get("role", "user") not in {"user", "model"}:
            refuse("Please use a valid role: user, model.")
        _check_parts(turn.get("parts"), where)
    _check_calls(turns, profile)
    if turns[-1].get("role") == "model" and not profile.prefill:
        refuse("Please ensure that multiturn requests end with a user role.")


def _check_parts(parts: object, where: str) -> None:
    found = as_list(parts or [], where)
    if not found:
        refuse(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    for position, part in enumerate(found):
        here = f"{where}.parts[{position}]"
        part = as_object(part, here)
        refuse_others(part, _DATA | _BESIDE_DATA, _unknown(here))
        data = _DATA & part.keys()
        if len(data) != 1 or part.get("text") == "":
            refuse(
                f"* GenerateContentRequest.{here}.data: required oneof field 'data' must have one"
                " initialized field"
            )
        if is_object(image := part.get("inlineData")):
            _check_inline(image, here)
        if is_object(reply := part.get("functionResponse")) and not is_object(
            reply.get("response")
        ):
            refuse(f"Invalid value at '{here}.function_response.response' (expected an object)")


def _check_inline(image: Mapping[str, Any], where: str) -> None:
    if "/" not in str(image.get("mimeType")):
        refuse(f"Unable to process input: '{where}.inline_data.mime_type' is no MIME type.")
    try:
        # The API takes both alphabets.
        text = str(image.get("data")).replace("-", "+").replace("_", "/")
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        refuse(f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed.")


def _check_calls(turns: Sequence[Mapping[str, Any]], profile: ModelProfile) -> None:
    pending = 0
    for position, turn in enumerate(turns):
        calls = [part for part in turn["parts"] if "functionCall" in part]
        responses = [part for part in turn["parts"] if "functionResponse" in part]
        if len(responses) != pending:
            refuse(
                "Please ensure that the number of function response parts is equal to the number"
                " of function call parts of the function call turn."
            )
        pending = len(calls)
        if calls and profile.thought_signatures and not calls[0].get("thoughtSignature"):
            name = calls[0]["functionCall"].get("name")
            refuse(
                f"Function call `default_api:{name}` in the {position + 1}. content block is"
                " missing a `thought_signature`."
            )
    if pending:
        refuse("Please ensure that function call turn is followed by a function response turn.")
