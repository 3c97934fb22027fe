"""Everything of a request but its messages, as Gemini's configuration. Needs no SDK: the names are
those of `GenerateContentConfig` in google-genai 3.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles.model_profile import Sampling
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

__all__ = ["config_of"]

_SAMPLING: Final = frozenset({"temperature", "top_p", "topP", "top_k", "topK"})
_UNSUPPORTED_OPTIONS: Final = frozenset(
    {"contents", "max_output_tokens", "maxOutputTokens", "max_tokens", "messages", "model"}
    | {"response_format", "response_json_schema", "response_mime_type", "response_schema"}
    | {"responseJsonSchema", "responseMimeType", "responseSchema", "stop", "stop_sequences"}
    | {"stopSequences", "stream", "system_instruction", "systemInstruction", "temperature"}
    | {"tool_choice", "tool_config", "toolConfig", "tools"}  # they have names in `LlmRequest`
    | {"candidate_count", "candidateCount"}  # `LlmReply` has room for one
    # What the SDK does by itself: more requests in one call, other addresses, other answers.
    | {"automatic_continuation", "automaticContinuation", "automatic_function_calling"}
    | {"automaticFunctionCalling", "http_options", "httpOptions", "should_return_http_response"}
    | {"shouldReturnHttpResponse"}
)
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def config_of(request: LlmRequest, model: ChosenModel, rules: ModelRules) -> dict[str, Any]:
    """The configuration, without the system instruction.

    Raises `RequestRejectedError` for an option that belongs elsewhere, a tool, a tool choice or a
    response format that is none.
    """
    if unsupported := sorted(_UNSUPPORTED_OPTIONS & request.options.keys()):
        raise RequestRejectedError(f"options cannot hold {', '.join(unsupported)}")
    config: dict[str, Any] = {
        **request.options,
        "temperature": request.temperature,
        "max_output_tokens": request.max_tokens,
        "stop_sequences": list(request.stop) or None,
        **_response_format(request.response_format),
        **_tools(request),
    }
    config = {name: value for name, value in config.items() if value is not None}
    if model.profile.sampling is Sampling.NEVER:
        for parameter in sorted(_SAMPLING & config.keys()):
            del config[parameter]
            rules.leave_out(model.name, parameter, "the model rejects sampling parameters")
    return config


def _response_format(response_format: Mapping[str, Any] | None) -> dict[str, Any]:
    match response_format:
        case None | {"type": "text"}:
            return {}
        case {"type": "json_object"}:
            return {"response_mime_type": "application/json"}
        case {"type": "json_schema", "json_schema": {"schema": dict()}}:
            return {
                "response_mime_type": "application/json",
                "response_json_schema": response_format["json_schema"]["schema"],
            }
        case _:
            raise RequestRejectedError(
                "response_format is none of text, json_object, and json_schema with a schema"
            )


def _tools(request: LlmRequest) -> dict[str, Any]:
    if not request.tools:
        if request.tool_choice not in (None, "auto", "none"):
            raise RequestRejectedError("tool_choice asks for a tool, and there are no tools")
        return {}
    declarations = [_declaration(tool, place) for place, tool in enumerate(request.tools)]
    config: dict[str, Any] = {"tools": [{"function_declarations": declarations}]}
    if request.tool_choice is not None:
        names = [declaration["name"] for declaration in declarations]
        calling = _function_calling(request.tool_choice, names)
        config["tool_config"] = {"function_calling_config": calling}
    return config


def _declaration(tool: Mapping[str, Any], place: int) -> dict[str, Any]:
    match tool:
        case {"type": "function", "function": {"name": str(name), **rest}} if name:
            declaration: dict[str, Any] = {"name": name}
        case _:
            raise RequestRejectedError(f"tools[{place}] is no function with a name")
    if description := rest.get("description"):
        declaration["description"] = description
    if parameters := rest.get("parameters"):
        declaration["parameters_json_schema"] = parameters
    return declaration


def _function_calling(tool_choice: str | Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    match tool_choice:
        case "auto" | "none" | "required":
            return {"mode": _MODES[tool_choice]}
        case {"type": "function", "function": {"name": str(name)}} if name in names:
            return {"mode": "ANY", "allowed_function_names": [name]}
        case _:
            raise RequestRejectedError(
                "tool_choice is none of auto, none, required, and one of the tools"
            )
