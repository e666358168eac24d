"""eessi-validate: decides whether software may go into an EESSI-style software stack."""

__version__ = '0.1.0'
