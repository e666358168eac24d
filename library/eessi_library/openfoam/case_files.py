"""The files of a lid-driven cavity case for icoFoam. Pure: numbers in, texts out.

They are understood by OpenFOAM of openfoam.com (``v1912`` ...) and of openfoam.org (``7`` ...):
the viscosity is written under both its names, and no key is used that only one of them knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Reynolds number of the published solutions that the result is compared with.
REYNOLDS = 100

#: Absolute tolerance of the linear solvers on OpenFOAM's normalised residual.
SOLVER_TOLERANCE = 1e-10

_SCHEMES = """\
ddtSchemes { default Euler; }
gradSchemes { default Gauss linear; }
divSchemes { default none; div(phi,U) Gauss linear; }
laplacianSchemes { default Gauss linear orthogonal; }
interpolationSchemes { default linear; }
snGradSchemes { default orthogonal; }
"""

_SOLUTION = f"""\
solvers
{{
    p {{ solver PCG; preconditioner DIC; tolerance {SOLVER_TOLERANCE}; relTol 0.3; }}
    pFinal {{ $p; relTol 0.1; }}
    U
    {{
        solver smoothSolver;
        smoother symGaussSeidel;
        tolerance {SOLVER_TOLERANCE};
        relTol 0.1;
    }}
}}
PISO {{ nCorrectors 2; nNonOrthogonalCorrectors 0; pRefCell 0; pRefValue 0; }}
"""

_PRESSURE = """\
dimensions [0 2 -2 0 0 0 0];
internalField uniform 0;
boundaryField
{
    movingWall { type zeroGradient; }
    fixedWalls { type zeroGradient; }
    frontAndBack { type empty; }
}
"""


@dataclass(frozen=True)
class Cavity:
    """A square cavity whose upper wall moves; at Re = 100 by its kinematic viscosity."""

    #: Cells along an edge.
    cells: int
    #: Edge of the square in m.
    edge: float
    #: Velocity of the lid in m/s.
    lid_speed: float
    #: Time step in units of the time that the lid takes to pass one cell.
    courant: float
    #: Simulated time in units of edge / lid speed.
    duration: float
    #: Subdomains of the decomposed run.
    subdomains: int

    @property
    def viscosity(self) -> float:
        """Kinematic viscosity in m^2/s."""
        return self.lid_speed * self.edge / REYNOLDS

    @property
    def time_step(self) -> float:
        """Time step in s."""
        return self.courant * self.edge / self.cells / self.lid_speed

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return round(self.duration * self.cells / self.courant)

    @property
    def end_time(self) -> float:
        """Simulated time in s."""
        return self.steps * self.time_step

    def files(self) -> dict[str, str]:
        """Return path -> text of every file of the case."""
        bodies = {
            'system/controlDict': ('dictionary', self._control()),
            'system/fvSchemes': ('dictionary', _SCHEMES),
            'system/fvSolution': ('dictionary', _SOLUTION),
            'system/blockMeshDict': ('dictionary', self._mesh()),
            'system/decomposeParDict': ('dictionary', self._decomposition()),
            # openfoam.org renamed the file in version 10.
            'constant/transportProperties': ('dictionary', self._transport()),
            'constant/physicalProperties': (
                'dictionary',
                'viscosityModel constant;\n' + self._transport(),
            ),
            '0/p': ('volScalarField', _PRESSURE),
            '0/U': ('volVectorField', self._velocity()),
        }
        return {
            path: 'FoamFile { version 2.0; format ascii; '
            f'class {kind}; object {path.rpartition("/")[2]}; }}\n{body}'
            for path, (kind, body) in bodies.items()
        }

    def _control(self) -> str:
        # Ten digits of time and fourteen of the fields: what is compared is not lost in printing.
        return f"""\
application icoFoam;
startFrom startTime;
startTime 0;
stopAt endTime;
endTime {self.end_time:.15g};
deltaT {self.time_step:.15g};
writeControl timeStep;
writeInterval {self.steps};
purgeWrite 0;
writeFormat ascii;
writePrecision 14;
writeCompression off;
timeFormat general;
timePrecision 10;
runTimeModifiable false;
"""

    def _mesh(self) -> str:
        edge, depth = f'{self.edge:.15g}', f'{self.edge / self.cells:.15g}'
        square = ('0 0', f'{edge} 0', f'{edge} {edge}', f'0 {edge}')
        vertices = ' '.join(f'({xy} {z})' for z in ('0', depth) for xy in square)
        return f"""\
vertices ({vertices});
blocks (hex (0 1 2 3 4 5 6 7) ({self.cells} {self.cells} 1) simpleGrading (1 1 1));
edges ();
boundary
(
    movingWall {{ type wall; faces ((3 7 6 2)); }}
    fixedWalls {{ type wall; faces ((0 4 7 3) (2 6 5 1) (1 5 4 0)); }}
    frontAndBack {{ type empty; faces ((0 3 2 1) (4 5 6 7)); }}
);
mergePatchPairs ();
"""

    def _decomposition(self) -> str:
        rows = next(
            n for n in range(math.isqrt(self.subdomains), 0, -1) if self.subdomains % n == 0
        )
        return (
            f'numberOfSubdomains {self.subdomains};\nmethod simple;\n'
            f'simpleCoeffs {{ n ({self.subdomains // rows} {rows} 1); delta 0.001; }}\n'
        )

    def _transport(self) -> str:
        return f'nu [0 2 -1 0 0 0 0] {self.viscosity:.15g};\n'

    def _velocity(self) -> str:
        return f"""\
dimensions [0 1 -1 0 0 0 0];
internalField uniform (0 0 0);
boundaryField
{{
    movingWall {{ type fixedValue; value uniform ({self.lid_speed:.15g} 0 0); }}
    fixedWalls {{ type noSlip; }}
    frontAndBack {{ type empty; }}
}}
"""
