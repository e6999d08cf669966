/** Under this token the module provides the GatewayConfig. */
export const CONFIG = Symbol('GatewayConfig')
