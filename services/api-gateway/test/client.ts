/** The service imports no client, but its specs ask it through the one that its users have. */
// eslint-disable-next-line @nx/enforce-module-boundaries -- for the reason above, and here only
export * from '@lucihub/sdk'
