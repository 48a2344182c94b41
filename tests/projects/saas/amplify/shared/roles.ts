/** Who works for us, the strongest first. Tenants have their own groups, one each, made when they sign up. */
export const PLATFORM = ["PLATFORM_ADMINS", "SUPPORT"] as const;

export const PLANS = ["FREE", "TEAM", "ENTERPRISE"] as const satisfies readonly string[];
