"""Policy, waivers and baseline applied to findings and results: the verdict. Pure."""
