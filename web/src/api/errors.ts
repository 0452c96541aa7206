// What went wrong with a call of the API, in the server's own words, with its code. A call that never reached it is "offline".

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server was not reached
    readonly code: string,
    message: string,
    readonly param?: string,
    readonly details: Record<string, unknown> = {},
    readonly requestId = "",
  ) {
    super(message);
    this.name = "ApiError";
  }
}

interface Envelope {
  error?: { message?: unknown; code?: unknown; type?: unknown; param?: unknown; details?: unknown };
}

export function errorOf(body: unknown, response: Response): ApiError {
  const told = (body as Envelope | null | undefined)?.error;
  return new ApiError(
    response.status,
    String(told?.code ?? told?.type ?? "unknown"),
    String(told?.message ?? `${response.status} ${response.statusText}`),
    told?.param ? String(told.param) : undefined,
    (told?.details as Record<string, unknown> | undefined) ?? {},
    response.headers.get("x-request-id") ?? "",
  );
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, "offline", error instanceof Error ? error.message : String(error));
}
